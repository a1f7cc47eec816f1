;; Refuses its settings under a code that nobody knows.

;; section: prepare
(func (export "INTERFACE#prepare") (param i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store8 (i32.const 2304) (i32.const 1))
  (call $pair (i32.const 2308) (i32.const 1024) (i32.const 7))
  (call $pair (i32.const 2316) (i32.const 1024) (i32.const 7))
  (i32.const 2304))
