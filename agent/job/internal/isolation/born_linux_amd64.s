#include "textflag.h"

// The new process calls the Go function at entry as Go's own code would: by the name it would be reached
// through a function that the compiler makes, which calls the race detector where there is one.

// func beginInit(call, a1, a2, a3, a4, a5 uintptr, b *birth, entry uintptr) (pid, errno uintptr)
TEXT ·beginInit(SB), NOSPLIT|NOFRAME, $0-80
	MOVQ	call+0(FP), AX
	MOVQ	a1+8(FP), DI
	MOVQ	a2+16(FP), SI
	MOVQ	a3+24(FP), DX
	MOVQ	a4+32(FP), R10
	MOVQ	a5+40(FP), R8
	MOVQ	b+48(FP), R12
	MOVQ	entry+56(FP), R13
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCC	failed
	TESTQ	AX, AX
	JEQ	child
	MOVQ	AX, pid+64(FP)
	MOVQ	$0, errno+72(FP)
	RET
failed:
	NEGQ	AX
	MOVQ	$0, pid+64(FP)
	MOVQ	AX, errno+72(FP)
	RET
child:
	XORPS	X15, X15
	MOVQ	R12, AX
	CALL	R13
	INT	$3

// func beginApp(flags, stack uintptr, b *birth, entry uintptr) (pid, errno uintptr)
TEXT ·beginApp(SB), NOSPLIT|NOFRAME, $0-48
	MOVQ	$56, AX // clone
	MOVQ	flags+0(FP), DI
	MOVQ	stack+8(FP), SI
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	MOVQ	b+16(FP), R12
	MOVQ	entry+24(FP), R13
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCC	failed
	TESTQ	AX, AX
	JEQ	child
	MOVQ	AX, pid+32(FP)
	MOVQ	$0, errno+40(FP)
	RET
failed:
	NEGQ	AX
	MOVQ	$0, pid+32(FP)
	MOVQ	AX, errno+40(FP)
	RET
child:
	XORPS	X15, X15
	MOVQ	R12, AX
	CALL	R13
	INT	$3
