;; Tries to tell two runs apart: scores by memory that nobody has written to.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (drop (memory.grow (i32.const 16)))
  (call $score (local.get $outcome) (f64.convert_i32_u (i32.load (i32.const 800000))) (f64.const 1)))
