;; Logs without end before it is ready.

;; section: prepare
(func (export "INTERFACE#prepare") (param i32 i32 i32 i32 i32 i32) (result i32)
  (loop $more
    (call $log (i32.const 3) (i32.const 0) (i32.const 65536))
    (br $more))
  (unreachable))
