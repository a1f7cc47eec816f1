;; Scores one response higher than its own description allows.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $score (local.get $outcome) (f64.const 1000) (f64.const 1)))
