"""The course around the package: measurements, the claims and their verdicts, the checks of the exercises."""
