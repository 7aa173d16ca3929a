package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"time"
)

// listEntry is one revoked certificate, its serial number in hex.
type listEntry struct {
	Serial     string     `json:"serial"`
	Revoked    time.Time  `json:"revoked"`
	Reason     int        `json:"reason"`
	Invalidity *time.Time `json:"invalidity,omitempty"`
}

var (
	oidDelta      = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidInvalidity = asn1.ObjectIdentifier{2, 5, 29, 24}
)

func readCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM", path)
	}
	return x509.ParseCertificate(block.Bytes)
}

func number(digits string, base int) (*big.Int, error) {
	value, fine := new(big.Int).SetString(digits, base)
	if !fine {
		return nil, fmt.Errorf("number %q", digits)
	}
	return value, nil
}

// makeListRequest makes a revocation list with crypto/x509.
type makeListRequest struct {
	// Issuer and Key are files.
	Issuer     string      `json:"issuer"`
	Key        string      `json:"key"`
	Number     string      `json:"number"`
	DeltaBase  string      `json:"deltaBase"`
	ThisUpdate time.Time   `json:"thisUpdate"`
	NextUpdate time.Time   `json:"nextUpdate"`
	Entries    []listEntry `json:"entries"`
	Pss        bool        `json:"pss"`
}

func (r makeListRequest) run() (any, error) {
	issuer, err := readCertificate(r.Issuer)
	if err != nil {
		return nil, err
	}
	key, err := readKey(r.Key)
	if err != nil {
		return nil, err
	}
	template := &x509.RevocationList{ThisUpdate: r.ThisUpdate, NextUpdate: r.NextUpdate}
	if r.Pss {
		template.SignatureAlgorithm = x509.SHA256WithRSAPSS
	}
	if template.Number, err = number(r.Number, 10); err != nil {
		return nil, err
	}
	if r.DeltaBase != "" {
		base, err := number(r.DeltaBase, 10)
		if err != nil {
			return nil, err
		}
		value, err := asn1.Marshal(base)
		if err != nil {
			return nil, err
		}
		template.ExtraExtensions = []pkix.Extension{{Id: oidDelta, Critical: true, Value: value}}
	}
	for _, entry := range r.Entries {
		serial, err := number(entry.Serial, 16)
		if err != nil {
			return nil, err
		}
		made := x509.RevocationListEntry{SerialNumber: serial, RevocationTime: entry.Revoked, ReasonCode: entry.Reason}
		if entry.Invalidity != nil {
			value, err := asn1.MarshalWithParams(entry.Invalidity.UTC(), "generalized")
			if err != nil {
				return nil, err
			}
			made.ExtraExtensions = []pkix.Extension{{Id: oidInvalidity, Value: value}}
		}
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, made)
	}
	list, err := x509.CreateRevocationList(rand.Reader, template, issuer, key.(crypto.Signer))
	if err != nil {
		return nil, err
	}
	return map[string]any{"list": list}, nil
}

// readListRequest says what crypto/x509 reads in a list, and whether it takes it for the issuer's.
type readListRequest struct {
	// Issuer is a file.
	Issuer string `json:"issuer"`
	List   []byte `json:"list"`
}

func (r readListRequest) run() (any, error) {
	issuer, err := readCertificate(r.Issuer)
	if err != nil {
		return nil, err
	}
	list, err := x509.ParseRevocationList(r.List)
	if err != nil {
		return map[string]any{"ok": false, "error": err.Error()}, nil
	}
	entries := []listEntry{}
	for _, entry := range list.RevokedCertificateEntries {
		read := listEntry{Serial: entry.SerialNumber.Text(16), Revoked: entry.RevocationTime, Reason: entry.ReasonCode}
		for _, extension := range entry.Extensions {
			if extension.Id.Equal(oidInvalidity) {
				read.Invalidity = new(time.Time)
				if _, err := asn1.UnmarshalWithParams(extension.Value, read.Invalidity, "generalized"); err != nil {
					return map[string]any{"ok": false, "error": err.Error()}, nil
				}
			}
		}
		entries = append(entries, read)
	}
	said := map[string]any{"entries": entries, "thisUpdate": list.ThisUpdate, "nextUpdate": list.NextUpdate, "deltaBase": ""}
	if list.Number != nil {
		said["number"] = list.Number.Text(10)
	}
	for _, extension := range list.Extensions {
		if extension.Id.Equal(oidDelta) {
			base := new(big.Int)
			if _, err := asn1.Unmarshal(extension.Value, &base); err != nil {
				return map[string]any{"ok": false, "error": err.Error()}, nil
			}
			said["deltaBase"] = base.Text(10)
		}
	}
	// Go compares no names: the caller is to have chosen the issuer by it.
	if !bytes.Equal(list.RawIssuer, issuer.RawSubject) {
		return map[string]any{"ok": false, "error": "another issuer"}, nil
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return map[string]any{"ok": false, "error": err.Error()}, nil
	}
	said["ok"] = true
	return said, nil
}
