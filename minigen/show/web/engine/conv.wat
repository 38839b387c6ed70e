;; The convolution: nearly all the work of a network. kernel.js holds these lines assembled, and their twin in
;; JavaScript; a test assembles them again and compares.
;;
;; A picture lies in memory pixel by pixel, the channels of a pixel side by side, so the `reach` pixels in a line of
;; the filter are one run of numbers. Four neighbouring pixels and eight output channels are summed up at once, in eight
;; vectors of four numbers: each weight that is read serves four pixels, each number of the picture eight channels.
(module
  (memory (export "memory") 512)
  (func (export "conv")
    (param $from i32) (param $weights i32) (param $bias i32) (param $to i32)     ;; addresses
    (param $height i32) (param $width i32)                                     ;; of what comes out; width: of four
    (param $before i32) (param $after i32)                                     ;; bytes a pixel, going in and coming out
    (param $reach i32)                                                         ;; of the filter: 1, or 3 with a border
    (local $block i32) (local $row i32) (local $pixel i32) (local $line i32)
    (local $in i32) (local $out i32) (local $a i32) (local $b i32) (local $end i32) (local $w i32) (local $pitch i32)
    (local $two i32) (local $three i32)
    (local $x v128) (local $v v128) (local $u v128)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (local $t0 v128) (local $t1 v128) (local $t2 v128) (local $t3 v128)
    (local.set $two (i32.mul (local.get $before) (i32.const 2)))
    (local.set $three (i32.mul (local.get $before) (i32.const 3)))
    (local.set $pitch                                                          ;; from a line of pixels to the next
      (i32.mul (local.get $before) (i32.sub (i32.add (local.get $width) (local.get $reach)) (i32.const 1))))
    (loop $blocks                                                              ;; eight output channels each
      (local.set $out (i32.add (local.get $to) (local.get $block)))
      (local.set $row (i32.const 0))
      (loop $rows
        (local.set $in (i32.add (local.get $from) (i32.mul (local.get $row) (local.get $pitch))))
        (local.set $pixel (i32.const 0))
        (loop $pixels                                                          ;; four each
          (local.set $s0 (v128.load (local.get $bias)))
          (local.set $s1 (local.get $s0)) (local.set $s2 (local.get $s0)) (local.set $s3 (local.get $s0))
          (local.set $t0 (v128.load offset=16 (local.get $bias)))
          (local.set $t1 (local.get $t0)) (local.set $t2 (local.get $t0)) (local.set $t3 (local.get $t0))
          (local.set $w (local.get $weights))
          (local.set $b (local.get $in))
          (local.set $line (local.get $reach))
          (loop $lines
            (local.set $a (local.get $b))
            (local.set $end (i32.add (local.get $a) (i32.mul (local.get $reach) (local.get $before))))
            (loop $run
              (local.set $u (v128.load (local.get $w)))
              (local.set $v (v128.load offset=16 (local.get $w)))
              (local.set $x (v128.load32_splat (local.get $a)))
              (local.set $s0 (f32x4.add (local.get $s0) (f32x4.mul (local.get $x) (local.get $u))))
              (local.set $t0 (f32x4.add (local.get $t0) (f32x4.mul (local.get $x) (local.get $v))))
              (local.set $x (v128.load32_splat (i32.add (local.get $a) (local.get $before))))
              (local.set $s1 (f32x4.add (local.get $s1) (f32x4.mul (local.get $x) (local.get $u))))
              (local.set $t1 (f32x4.add (local.get $t1) (f32x4.mul (local.get $x) (local.get $v))))
              (local.set $x (v128.load32_splat (i32.add (local.get $a) (local.get $two))))
              (local.set $s2 (f32x4.add (local.get $s2) (f32x4.mul (local.get $x) (local.get $u))))
              (local.set $t2 (f32x4.add (local.get $t2) (f32x4.mul (local.get $x) (local.get $v))))
              (local.set $x (v128.load32_splat (i32.add (local.get $a) (local.get $three))))
              (local.set $s3 (f32x4.add (local.get $s3) (f32x4.mul (local.get $x) (local.get $u))))
              (local.set $t3 (f32x4.add (local.get $t3) (f32x4.mul (local.get $x) (local.get $v))))
              (local.set $w (i32.add (local.get $w) (i32.const 32)))
              (br_if $run (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 4))) (local.get $end))))
            (local.set $b (i32.add (local.get $b) (local.get $pitch)))
            (br_if $lines (local.tee $line (i32.sub (local.get $line) (i32.const 1)))))
          (v128.store (local.get $out) (local.get $s0))
          (v128.store offset=16 (local.get $out) (local.get $t0))
          (v128.store (local.tee $out (i32.add (local.get $out) (local.get $after))) (local.get $s1))
          (v128.store offset=16 (local.get $out) (local.get $t1))
          (v128.store (local.tee $out (i32.add (local.get $out) (local.get $after))) (local.get $s2))
          (v128.store offset=16 (local.get $out) (local.get $t2))
          (v128.store (local.tee $out (i32.add (local.get $out) (local.get $after))) (local.get $s3))
          (v128.store offset=16 (local.get $out) (local.get $t3))
          (local.set $out (i32.add (local.get $out) (local.get $after)))
          (local.set $in (i32.add (local.get $in) (i32.mul (local.get $before) (i32.const 4))))
          (br_if $pixels (i32.lt_u (local.tee $pixel (i32.add (local.get $pixel) (i32.const 4))) (local.get $width))))
        (br_if $rows (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 1))) (local.get $height))))
      (local.set $weights (local.get $w))
      (local.set $bias (i32.add (local.get $bias) (i32.const 32)))
      (br_if $blocks (i32.lt_u (local.tee $block (i32.add (local.get $block) (i32.const 32))) (local.get $after))))))
