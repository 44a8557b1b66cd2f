// Lets Porcupine check the registers of a file of tab-separated values, and says how long the check
// alone took. To build it, put a copy of Porcupine beside it and say so in go.mod: see the README.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

type input struct {
	f        string
	old, new int
	key      string
}

type output struct {
	ok      bool
	unknown bool
}

var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, operation := range history {
			key := operation.Input.(input).key
			byKey[key] = append(byKey[key], operation)
		}
		parts := make([][]porcupine.Operation, 0, len(byKey))
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() interface{} { return 0 },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		asked, answered := in.(input), out.(output)
		switch asked.f {
		case "read":
			return state.(int) == asked.new, state
		case "write":
			return true, asked.new
		}
		if state.(int) == asked.old {
			return answered.ok || answered.unknown, asked.new
		}
		return !answered.ok || answered.unknown, state
	},
	Equal: func(one, other interface{}) bool { return one.(int) == other.(int) },
}

func number(word string) int {
	parsed, err := strconv.Atoi(word)
	if err != nil {
		panic(err)
	}
	return parsed
}

func read(path string) []porcupine.Operation {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	history := []porcupine.Operation{}
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		end := int64(number(words[7]))
		unknown := end < 0
		if unknown {
			end = 1 << 62
		}
		history = append(history, porcupine.Operation{
			ClientId: number(words[0]),
			Input:    input{f: words[2], old: number(words[3]), new: number(words[4]), key: words[1]},
			Call:     int64(number(words[6])),
			Output:   output{ok: words[5] == "1", unknown: unknown},
			Return:   end,
		})
	}
	return history
}

func main() {
	history := read(os.Args[1])
	began := time.Now()
	verdict := porcupine.CheckOperationsTimeout(register, history, 60*time.Second)
	fmt.Printf("%v %.6f\n", verdict, time.Since(began).Seconds())
}
