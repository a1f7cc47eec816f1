;; Hands back the same value a hundred million times: a list that is far larger than what it is made of.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $score (local.get $outcome) (f64.const 1) (f64.const 1))
  (i32.store offset=8 (local.get $outcome) (i32.const 100000000)))
