;; Says neither yes nor no.

;; section: prepare
(func (export "INTERFACE#prepare") (param i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store8 (i32.const 2304) (i32.const 7))
  (i32.const 2304))
