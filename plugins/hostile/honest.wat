;; A detector that keeps to the contract: it finds its trait in responses that begin with "y".
;;
;; The other files here are this module with sections replaced by hostile ones. A section begins at a line
;; ";; section: NAME" and ends at the next one; INTERFACE stands for the exported interface. Records are laid out by
;; hand as the canonical ABI wants them, sizes and offsets in bytes.
;;
;; A response that begins with "!" goes to the section "poison", so a hostile guest can be honest about all others.

;; section: imports
(import "realign:evaluator/logging@0.1.0" "log" (func $log (param i32 i32 i32)))

;; section: memory
(memory (export "memory") 2)

;; section: heap
(global $heap (mut i32) (i32.const 65536))

;; Memory is never given back: a store lives for one call.
(func $alloc (param $size i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $at) (local.get $size)))
  (block $fits
    (loop $more
      (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
      (unreachable)))
  (local.get $at))

(func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (local $new i32)
  (local.set $new (call $alloc (local.get $size)))
  (memory.copy (local.get $new) (local.get $old) (local.get $old_size))
  (local.get $new))

;; section: data
(data (i32.const 1024) "example")
(data (i32.const 1032) "0.1.0")
(data (i32.const 1040) "Finds responses that begin with y.")
(data (i32.const 1080) "{}")
(data (i32.const 1088) "presence")
(data (i32.const 1096) "state")
(data (i32.const 1104) "choose")
(data (i32.const 1112) "generate")
(data (i32.const 1120) "once")

;; section: records
;; A pointer and a length.
(func $pair (param $at i32) (param $pointer i32) (param $length i32)
  (i32.store (local.get $at) (local.get $pointer))
  (i32.store offset=4 (local.get $at) (local.get $length)))

;; outcome (28): case 0, scored: values 4, spans 12, notes 20. value (24): metric 0, numerator 8, denominator 16.
(func $score (param $outcome i32) (param $numerator f64) (param $denominator f64)
  (local $value i32)
  (local.set $value (call $alloc (i32.const 24)))
  (call $pair (local.get $value) (i32.const 1088) (i32.const 8))
  (f64.store offset=8 (local.get $value) (local.get $numerator))
  (f64.store offset=16 (local.get $value) (local.get $denominator))
  (i32.store8 (local.get $outcome) (i32.const 0))
  (call $pair (i32.add (local.get $outcome) (i32.const 4)) (local.get $value) (i32.const 1))
  (call $pair (i32.add (local.get $outcome) (i32.const 12)) (i32.const 0) (i32.const 0))
  (call $pair (i32.add (local.get $outcome) (i32.const 20)) (i32.const 0) (i32.const 0)))

;; result of step (20): ok 0, case of progress 4 (0 asks, 1 done), list 8.
(func $progress (param $case i32) (param $list i32) (param $length i32) (result i32)
  (local $result i32)
  (local.set $result (call $alloc (i32.const 20)))
  (i32.store8 (local.get $result) (i32.const 0))
  (i32.store8 offset=4 (local.get $result) (local.get $case))
  (call $pair (i32.add (local.get $result) (i32.const 8)) (local.get $list) (local.get $length))
  (local.get $result))

;; ask (24): id 0, kind 8, body 16.
(func $ask (param $at i32) (param $id i32) (param $id_length i32) (param $kind i32) (param $kind_length i32)
  (call $pair (local.get $at) (local.get $id) (local.get $id_length))
  (call $pair (i32.add (local.get $at) (i32.const 8)) (local.get $kind) (local.get $kind_length))
  (call $pair (i32.add (local.get $at) (i32.const 16)) (i32.const 1080) (i32.const 2)))

;; section: describe
;; description (48) at 2048: id 0, version 8, summary 16, config-schema 24, metrics 32, asks 40.
;; metric (80) at 2112: name 0, unit 8, direction 16, low 24, high 40, chance 56, aggregation 72.
(func (export "INTERFACE#describe") (result i32)
  (call $pair (i32.const 2048) (i32.const 1024) (i32.const 7))
  (call $pair (i32.const 2056) (i32.const 1032) (i32.const 5))
  (call $pair (i32.const 2064) (i32.const 1040) (i32.const 34))
  (call $pair (i32.const 2072) (i32.const 1080) (i32.const 2))
  (call $pair (i32.const 2080) (i32.const 2112) (i32.const 1))
  (call $pair (i32.const 2088) (i32.const 0) (i32.const 0))
  (call $pair (i32.const 2112) (i32.const 1088) (i32.const 8))
  (call $pair (i32.const 2120) (i32.const 0) (i32.const 0))
  (i32.store8 (i32.const 2136) (i32.const 1))
  (f64.store (i32.const 2144) (f64.const 0))
  (i32.store8 (i32.const 2152) (i32.const 1))
  (f64.store (i32.const 2160) (f64.const 1))
  (i32.const 2048))

;; section: prepare
;; result (20) at 2304: ok 0, bytes 4.
(func (export "INTERFACE#prepare")
  (param $config i32) (param $config_length i32) (param $profile i32) (param $profile_length i32)
  (param $rows i32) (param $count i32) (result i32)
  (call $pair (i32.const 2308) (i32.const 1096) (i32.const 5))
  (i32.const 2304))

;; section: step
;; sample (48): id 0, group 8, context 16, prompt 24, response 32, notes 40.
(func (export "INTERFACE#step")
  (param $state i32) (param $state_length i32) (param $samples i32) (param $count i32)
  (param $answers i32) (param $answer_count i32) (result i32)
  (local $outcomes i32) (local $index i32)
  (local.set $outcomes (call $alloc (i32.mul (local.get $count) (i32.const 28))))
  (block $end
    (loop $next
      (br_if $end (i32.eq (local.get $index) (local.get $count)))
      (call $judge
        (i32.add (local.get $outcomes) (i32.mul (local.get $index) (i32.const 28)))
        (i32.add (local.get $samples) (i32.mul (local.get $index) (i32.const 48))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
  (call $progress (i32.const 1) (local.get $outcomes) (local.get $count)))

(func $judge (param $outcome i32) (param $sample i32)
  (local $first i32)
  (local.set $first (call $first (local.get $sample)))
  (if (i32.eq (local.get $first) (i32.const 33)) ;; !
    (then (call $poison (local.get $outcome) (local.get $sample)))
    (else
      (call $score
        (local.get $outcome)
        (f64.convert_i32_u (i32.eq (local.get $first) (i32.const 121))) ;; y
        (f64.const 1)))))

;; The first byte of a sample's response, 0 of an empty one.
(func $first (param $sample i32) (result i32)
  (if (result i32) (i32.load offset=36 (local.get $sample))
    (then (i32.load8_u (i32.load offset=32 (local.get $sample))))
    (else (i32.const 0))))

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $score (local.get $outcome) (f64.const 0) (f64.const 1)))
