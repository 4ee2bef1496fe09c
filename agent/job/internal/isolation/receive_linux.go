package isolation

import (
	"encoding/json"
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// SocketFD is where an init that is a program of its own (package warm) finds its end of the socket.
const SocketFD = 3

// maxStart bounds what a Start may be, encoded: argv and environment are bounded by the kernel
// anyway.
const maxStart = 16 << 20

// maxFiles are as many as come with one message.
const maxFiles = 4

// Conn is the socket that a descriptor is.
func Conn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "shim")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.UnixConn), nil
}

// Receive reads the one Start, and the files that come with its first byte.
func Receive(conn *net.UnixConn) (*Start, []*os.File, error) {
	data := make([]byte, 0, 64<<10)
	control := make([]byte, unix.CmsgSpace(maxFiles*4))
	var files []*os.File
	defer func() { clear(data) }()
	for {
		if len(data) == cap(data) {
			if len(data) >= maxStart {
				return nil, nil, errors.New("the Start is too large")
			}
			grown := make([]byte, len(data), 2*cap(data))
			copy(grown, data)
			clear(data)
			data = grown
		}
		n, oob, _, _, err := conn.ReadMsgUnix(data[len(data):cap(data)], control)
		if err != nil {
			return nil, nil, err
		}
		if n == 0 {
			return nil, nil, os.ErrClosed
		}
		data = data[:len(data)+n]
		if oob > 0 {
			got, err := Descriptors(control[:oob])
			if err != nil {
				return nil, nil, err
			}
			files = append(files, got...)
		}
		if data[len(data)-1] == '\n' { // JSON has none within
			var s Start
			if err := json.Unmarshal(data, &s); err != nil {
				return nil, nil, errors.New("the Start is not ours") // the decoder's words could quote it
			}
			return &s, files, nil
		}
	}
}

// Descriptors are the files that came with a message.
func Descriptors(control []byte) ([]*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return nil, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "output"))
		}
	}
	return files, nil
}
