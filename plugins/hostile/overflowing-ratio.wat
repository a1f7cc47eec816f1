;; Two finite numbers whose ratio is none.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $score (local.get $outcome) (f64.const 1e308) (f64.const 1e-308)))
