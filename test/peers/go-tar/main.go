// Says of each tar that is named what Go's archive/tar sees in it: a JSON object of file to members.
package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

type member struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func read(path string) ([]member, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var seen []member
	for reader := tar.NewReader(file); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return seen, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag != tar.TypeReg || header.Mode != 0o644 || header.Uid != 0 || header.Gid != 0 || header.ModTime.Unix() != 0 {
			return nil, fmt.Errorf("%s is no plain file of nobody's", header.Name)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, reader); err != nil {
			return nil, err
		}
		seen = append(seen, member{header.Name, header.Size, hex.EncodeToString(sum.Sum(nil))})
	}
}

func main() {
	found := map[string][]member{}
	for _, path := range os.Args[1:] {
		seen, err := read(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, path+":", err)
			os.Exit(1)
		}
		found[path] = seen
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		os.Exit(1)
	}
}
