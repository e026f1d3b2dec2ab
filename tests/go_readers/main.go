// Command go-readers reads YAML as Kubernetes' tools do and answers what they make of it.
//
// On stdin: the length of a text in bytes, in decimal and with a line feed, then the text; again and again. On stdout: a
// line of JSON for each. "kubectl" is sigs.k8s.io/yaml, which kubectl and the API server's clients read with; "kyaml" is
// go.yaml.in/yaml/v3, which kustomize and kpt read with. Each has the value of the text's one document, or an error.
//
// With a word "all" behind the length the text is a whole input: "kubectl" has the list of its objects as `kubectl apply
// -f -` parts it (apimachinery's decoder), "kyaml" as kustomize and kpt do (kio.ByteReader, which takes the items out of
// a ResourceList).
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	decoders "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/kyaml/kio"
	sigs "sigs.k8s.io/yaml"
)

type answer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

func kubectl(text []byte) (answer, error) {
	value, err := sigs.YAMLToJSON(text)
	return answer{Value: value}, err
}

func kyaml(text []byte) (answer, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var node yaml.Node
	if err := decoder.Decode(&node); err != nil {
		if errors.Is(err, io.EOF) {
			return answer{Value: json.RawMessage("null")}, nil
		}
		return answer{}, err
	}
	var value any
	if err := node.Decode(&value); err != nil {
		return answer{}, err
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return answer{}, fmt.Errorf("more than one document (%v)", err)
	}
	plain, err := plain(value)
	if err != nil {
		return answer{}, err
	}
	encoded, err := json.Marshal(plain)
	return answer{Value: encoded}, err
}

// plain makes a value one that JSON has: keys as text, no infinities.
func plain(value any) (any, error) {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			made, err := plain(child)
			if err != nil {
				return nil, err
			}
			value[key] = made
		}
		return value, nil
	case map[any]any:
		made := map[string]any{}
		for key, child := range value {
			name := ""
			switch key := key.(type) {
			case nil:
				name = "null"
			case float64:
				name = strconv.FormatFloat(key, 'g', -1, 64)
			case map[string]any, map[any]any, []any:
				return nil, errors.New("a key is a mapping or a list")
			default:
				name = fmt.Sprint(key)
			}
			below, err := plain(child)
			if err != nil {
				return nil, err
			}
			made[name] = below
		}
		return made, nil
	case []any:
		for place, child := range value {
			made, err := plain(child)
			if err != nil {
				return nil, err
			}
			value[place] = made
		}
		return value, nil
	case float64:
		if math.IsInf(value, 0) || math.IsNaN(value) {
			return map[string]any{"!float": fmt.Sprint(value)}, nil
		}
		return value, nil
	default:
		return value, nil
	}
}

// inputSize is what kubectl gives its decoder (cli-runtime, StreamVisitor).
const inputSize = 4096

func kubectlAll(text []byte) (answer, error) {
	decoder := decoders.NewYAMLOrJSONDecoder(bytes.NewReader(text), inputSize)
	found := []json.RawMessage{}
	for {
		var one json.RawMessage
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return answer{}, err
		}
		if one = bytes.TrimSpace(one); len(one) > 0 && !bytes.Equal(one, []byte("null")) {
			found = append(found, one)
		}
	}
	encoded, err := json.Marshal(found)
	return answer{Value: encoded}, err
}

func kyamlAll(text []byte) (answer, error) {
	reader := kio.ByteReader{Reader: bytes.NewReader(text), OmitReaderAnnotations: true}
	nodes, err := reader.Read()
	if err != nil {
		return answer{}, err
	}
	found := []any{}
	for _, node := range nodes {
		var value any
		if err := node.YNode().Decode(&value); err != nil {
			return answer{}, err
		}
		plain, err := plain(value)
		if err != nil {
			return answer{}, err
		}
		found = append(found, plain)
	}
	encoded, err := json.Marshal(found)
	return answer{Value: encoded}, err
}

func safely(read func([]byte) (answer, error), text []byte) (found answer) {
	defer func() {
		if fault := recover(); fault != nil {
			found = answer{Error: fmt.Sprintf("panic: %v", fault)}
		}
	}()
	found, err := read(text)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return found
}

func main() {
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		word, whole := strings.CutSuffix(strings.TrimSpace(line), " all")
		length, err := strconv.Atoi(word)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		text := make([]byte, length)
		if _, err := io.ReadFull(in, text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		found := map[string]answer{}
		if whole {
			found["kubectl"], found["kyaml"] = safely(kubectlAll, text), safely(kyamlAll, text)
		} else {
			found["kubectl"], found["kyaml"] = safely(kubectl, text), safely(kyaml, text)
		}
		if err := out.Encode(found); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
