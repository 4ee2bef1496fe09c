#include "textflag.h"

// See born_linux_amd64.s for the way in which the new process calls Go.

// func beginInit(call, a1, a2, a3, a4, a5 uintptr, b *birth, entry uintptr) (pid, errno uintptr)
TEXT ·beginInit(SB), NOSPLIT|NOFRAME, $0-80
	MOVD	call+0(FP), R8
	MOVD	a1+8(FP), R0
	MOVD	a2+16(FP), R1
	MOVD	a3+24(FP), R2
	MOVD	a4+32(FP), R3
	MOVD	a5+40(FP), R4
	MOVD	b+48(FP), R19
	MOVD	entry+56(FP), R20
	SVC
	CMN	$4095, R0
	BCS	failed
	CBZ	R0, child
	MOVD	R0, pid+64(FP)
	MOVD	ZR, errno+72(FP)
	RET
failed:
	NEG	R0, R0
	MOVD	ZR, pid+64(FP)
	MOVD	R0, errno+72(FP)
	RET
child:
	MOVD	R19, R0
	BL	(R20)
	BRK

// func beginApp(flags, stack uintptr, b *birth, entry uintptr) (pid, errno uintptr)
TEXT ·beginApp(SB), NOSPLIT|NOFRAME, $0-48
	MOVD	$220, R8 // clone
	MOVD	flags+0(FP), R0
	MOVD	stack+8(FP), R1
	MOVD	ZR, R2
	MOVD	ZR, R3
	MOVD	ZR, R4
	MOVD	b+16(FP), R19
	MOVD	entry+24(FP), R20
	SVC
	CMN	$4095, R0
	BCS	failed
	CBZ	R0, child
	MOVD	R0, pid+32(FP)
	MOVD	ZR, errno+40(FP)
	RET
failed:
	NEG	R0, R0
	MOVD	ZR, pid+32(FP)
	MOVD	R0, errno+40(FP)
	RET
child:
	MOVD	R19, R0
	BL	(R20)
	BRK
