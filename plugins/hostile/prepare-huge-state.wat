;; Makes a state of 32 MiB.

;; section: prepare
(func (export "INTERFACE#prepare") (param i32 i32 i32 i32 i32 i32) (result i32)
  (drop (memory.grow (i32.const 600)))
  (call $pair (i32.const 2308) (i32.const 0) (i32.const 33554432))
  (i32.const 2304))
