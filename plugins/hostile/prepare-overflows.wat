;; Calls itself without end before it is ready.

;; section: prepare
(func $again (param i32)
  (call $again (i32.const 1))
  (call $again (i32.const 2)))
(func (export "INTERFACE#prepare") (param i32 i32 i32 i32 i32 i32) (result i32)
  (call $again (i32.const 0))
  (i32.const 2304))
