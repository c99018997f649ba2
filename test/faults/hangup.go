package faults

import (
	"fmt"
	"net"
	"time"
)

// hangUp begins a callback and closes the connection with RST in the middle of it.
func hangUp(addr, token string, body []byte) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_, _ = fmt.Fprintf(conn, "POST /api/v1/callbacks/n8n HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", addr, token, len(body)*2, body)
}
