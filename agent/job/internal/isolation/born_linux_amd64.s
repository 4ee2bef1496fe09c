#include "textflag.h"

// func beginInit(call, a1, a2, a3, a4, a5 uintptr, b *birth) (pid, errno uintptr)
TEXT ·beginInit(SB), NOSPLIT|NOFRAME, $0-72
	MOVQ	call+0(FP), AX
	MOVQ	a1+8(FP), DI
	MOVQ	a2+16(FP), SI
	MOVQ	a3+24(FP), DX
	MOVQ	a4+32(FP), R10
	MOVQ	a5+40(FP), R8
	MOVQ	b+48(FP), R12
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCC	failed
	TESTQ	AX, AX
	JEQ	child
	MOVQ	AX, pid+56(FP)
	MOVQ	$0, errno+64(FP)
	RET
failed:
	NEGQ	AX
	MOVQ	$0, pid+56(FP)
	MOVQ	AX, errno+64(FP)
	RET
child:
	MOVQ	R12, 0(SP)
	CALL	·live(SB)
	INT	$3

// func beginApp(flags, stack uintptr, b *birth) (pid, errno uintptr)
TEXT ·beginApp(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ	$56, AX // clone
	MOVQ	flags+0(FP), DI
	MOVQ	stack+8(FP), SI
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	MOVQ	b+16(FP), R12
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCC	failed
	TESTQ	AX, AX
	JEQ	child
	MOVQ	AX, pid+24(FP)
	MOVQ	$0, errno+32(FP)
	RET
failed:
	NEGQ	AX
	MOVQ	$0, pid+24(FP)
	MOVQ	AX, errno+32(FP)
	RET
child:
	MOVQ	R12, 0(SP)
	CALL	·become(SB)
	INT	$3
