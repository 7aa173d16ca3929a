package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"

	"github.com/fxamacker/cbor/v2"
)

// craftRequest makes an envelope of any protected bytes, any chain and any algorithm, right or wrong: nothing is
// checked. Only the cryptography is done properly, so that what is wrong is what the caller made wrong.
type craftRequest struct {
	MediaType string   `json:"mediaType"`
	Key       string   `json:"key"`
	Chain     [][]byte `json:"chain"`
	Protected []byte   `json:"protected"`
	Payload   []byte   `json:"payload"`
	// Hash is sha256, sha384 or sha512.
	Hash string `json:"hash"`
	// SaltLength of RSA-PSS; absent: the hash's length.
	SaltLength *int `json:"saltLength"`
	// Pkcs1 signs RSA in the old way.
	Pkcs1     bool   `json:"pkcs1"`
	Timestamp []byte `json:"timestamp"`
}

var hashes = map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}

func readKey(path string) (any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM", path)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

func (r craftRequest) primitive(message []byte) ([]byte, error) {
	key, err := readKey(r.Key)
	if err != nil {
		return nil, err
	}
	hash, known := hashes[r.Hash]
	if !known {
		return nil, fmt.Errorf("hash %q", r.Hash)
	}
	digest := hash.New()
	digest.Write(message)
	sum := digest.Sum(nil)
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if r.Pkcs1 {
			return rsa.SignPKCS1v15(rand.Reader, k, hash, sum)
		}
		salt := rsa.PSSSaltLengthEqualsHash
		if r.SaltLength != nil {
			salt = *r.SaltLength
		}
		return rsa.SignPSS(rand.Reader, k, hash, sum, &rsa.PSSOptions{SaltLength: salt, Hash: hash})
	case *ecdsa.PrivateKey:
		var one, two *big.Int
		if one, two, err = ecdsa.Sign(rand.Reader, k, sum); err != nil {
			return nil, err
		}
		size := (k.Curve.Params().BitSize + 7) / 8
		raw := make([]byte, 2*size)
		one.FillBytes(raw[:size])
		two.FillBytes(raw[size:])
		return raw, nil
	}
	return nil, fmt.Errorf("key of type %T", key)
}

func (r craftRequest) run() (any, error) {
	var envelope []byte
	var err error
	if r.MediaType == "application/cose" {
		envelope, err = r.cose()
	} else {
		envelope, err = r.jws()
	}
	if err != nil {
		return nil, err
	}
	return sealed{OK: true, Envelope: envelope}, nil
}

func (r craftRequest) jws() ([]byte, error) {
	protected := base64.RawURLEncoding.EncodeToString(r.Protected)
	payload := base64.RawURLEncoding.EncodeToString(r.Payload)
	signature, err := r.primitive([]byte(protected + "." + payload))
	if err != nil {
		return nil, err
	}
	header := map[string]any{"x5c": r.Chain}
	if r.Timestamp != nil {
		header["io.cncf.notary.timestampSignature"] = r.Timestamp
	}
	return json.Marshal(map[string]any{
		"payload":   payload,
		"protected": protected,
		"header":    header,
		"signature": base64.RawURLEncoding.EncodeToString(signature),
	})
}

func (r craftRequest) cose() ([]byte, error) {
	message, err := cbor.Marshal([]any{"Signature1", r.Protected, []byte{}, r.Payload})
	if err != nil {
		return nil, err
	}
	signature, err := r.primitive(message)
	if err != nil {
		return nil, err
	}
	unprotected := map[any]any{33: r.Chain}
	if r.Timestamp != nil {
		unprotected["io.cncf.notary.timestampSignature"] = r.Timestamp
	}
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, err
	}
	return mode.Marshal(cbor.Tag{Number: 18, Content: []any{r.Protected, unprotected, r.Payload, signature}})
}
