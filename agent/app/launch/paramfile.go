package launch

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
)

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newKey returns 16 random letters (91 bits): the contract's AES-128 key, whose text is its bytes.
// The initialization vector is fixed, so a key is never used twice.
func newKey() string {
	key := make([]byte, 0, 16)
	var random [32]byte
	for len(key) < cap(key) {
		_, _ = rand.Read(random[:]) // never fails
		for _, b := range random {
			// 208 = 4 × 52: larger bytes would favour some letters.
			if b < 208 && len(key) < cap(key) {
				key = append(key, letters[b%52])
			}
		}
	}
	return string(key)
}

// encrypt is AES-CBC with PKCS#7 padding and a zero vector, nothing in front of the result: what
// TcEx and the Java SDK decrypt.
func encrypt(key string, plain []byte) []byte {
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		panic(err) // newKey makes keys of 16 bytes
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	data := make([]byte, len(plain)+pad)
	copy(data, plain)
	for i := len(plain); i < len(data); i++ {
		data[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(data, data)
	return data
}
