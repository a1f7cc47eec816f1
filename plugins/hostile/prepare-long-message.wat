;; Refuses its settings at a length of 60 KiB.

;; section: prepare
(data (i32.const 1200) "config")
(func (export "INTERFACE#prepare") (param i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store8 (i32.const 2304) (i32.const 1))
  (call $pair (i32.const 2308) (i32.const 1200) (i32.const 6))
  (call $pair (i32.const 2316) (i32.const 0) (i32.const 61440))
  (i32.const 2304))
