;; Scores one response with a number that compares with nothing.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $score (local.get $outcome) (f64.const nan) (f64.const 1)))
