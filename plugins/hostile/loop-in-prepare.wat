;; Never gets ready.

;; section: prepare
(func (export "INTERFACE#prepare") (param i32 i32 i32 i32 i32 i32) (result i32)
  (loop $forever (br $forever))
  (unreachable))
