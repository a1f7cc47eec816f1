;; Honest; says something about one response.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $log (i32.const 2) (i32.const 1024) (i32.const 7))
  (call $score (local.get $outcome) (f64.const 0) (f64.const 1)))
