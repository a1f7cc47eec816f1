;; Scores one response higher than anything.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $score (local.get $outcome) (f64.const inf) (f64.const 1)))
