;; Measures a hundred thousand things.

;; section: describe
;; description (48) at 2048: id 0, version 8, summary 16, config-schema 24, metrics 32, asks 40.
;; metric (80) at 2112: name 0, unit 8, direction 16, low 24, high 40, chance 56, aggregation 72.
(func (export "INTERFACE#describe") (result i32)
  (call $pair (i32.const 2048) (i32.const 1024) (i32.const 7))
  (call $pair (i32.const 2056) (i32.const 1032) (i32.const 5))
  (call $pair (i32.const 2064) (i32.const 1040) (i32.const 34))
  (call $pair (i32.const 2072) (i32.const 1080) (i32.const 2))
  (drop (memory.grow (i32.const 200)))
  (call $pair (i32.const 2080) (i32.const 2112) (i32.const 100000))
  (call $pair (i32.const 2088) (i32.const 0) (i32.const 0))
  (call $pair (i32.const 2112) (i32.const 1088) (i32.const 8))
  (call $pair (i32.const 2120) (i32.const 0) (i32.const 0))
  (i32.store8 (i32.const 2136) (i32.const 1))
  (f64.store (i32.const 2144) (f64.const 0))
  (i32.store8 (i32.const 2152) (i32.const 1))
  (f64.store (i32.const 2160) (f64.const 1))
  (i32.const 2048))
