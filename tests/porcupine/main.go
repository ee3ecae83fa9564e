// Porcupine judges the histories that the benchmark of our checker judges, by the same model, exported as tables.
//
//	porcupine FILE < COMMANDS
//
// FILE is what tests/benchmarks/porcupine.py writes. Each line of the standard input is "INDEX SECONDS": the history to
// judge, and after how long to give up. Each is answered by one line "RESULT NANOSECONDS", where RESULT is Ok, Illegal or
// Unknown (given up), and the time is that of the check alone, partitioning included.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"runtime"
	"time"

	"github.com/anishathalye/porcupine"
)

// A document holds the transitions of each kind of step, from a state to the set of states (bits) that it leads to, and the
// histories. Slots are bits of a state above those of the model: one is set while a step is in the order that another one
// must follow, and that one is not; the highest, once the history is over.
type document struct {
	States    int                 `json:"states"`
	Initial   uint64              `json:"initial"`
	Kinds     []map[string]uint64 `json:"kinds"`
	Histories [][]step            `json:"histories"`
}

// A step is an operation of Porcupine's: of a machine, between two moments, with the slots that it needs and frees, and those
// that it takes. The step of kind over takes the highest one. A step without an end returns after that; it may have happened
// before, or never, which is to be in the order behind it.
type step struct {
	Machine int    `json:"machine"`
	Kind    int    `json:"kind"`
	Call    int64  `json:"call"`
	Return  int64  `json:"return"`
	Frees   uint64 `json:"frees"`
	Takes   uint64 `json:"takes"`
}

const over = -1

// tables gives for each kind the states that it leads to from every set of states: one look-up for each step.
func tables(read document) [][]uint64 {
	made := make([][]uint64, len(read.Kinds))
	for kind, moves := range read.Kinds {
		one := make([]uint64, read.States)
		for name, after := range moves {
			var state int
			if _, err := fmt.Sscan(name, &state); err != nil {
				log.Fatal(err)
			}
			one[state] = after
		}
		every := make([]uint64, 1<<read.States)
		for set := 1; set < len(every); set++ {
			for state, after := range one {
				if set>>state&1 == 1 {
					every[set] |= after
				}
			}
		}
		made[kind] = every
	}
	return made
}

// model gives Porcupine's model: a state is one number, the set of the model's states below, the slots above.
func model(read document) porcupine.Model {
	every := tables(read)
	set := uint64(1)<<read.States - 1
	return porcupine.Model{
		Partition: partition,
		Init:      func() interface{} { return read.Initial },
		Step: func(state, input, _ interface{}) (bool, interface{}) {
			here, taken := state.(uint64), input.(*step)
			if here>>63 == 1 {
				return true, state
			}
			if taken.Kind == over {
				return true, here | taken.Takes
			}
			if here&taken.Frees != taken.Frees {
				return false, state
			}
			after := every[taken.Kind][here&set]
			return after != 0, after | here&^set&^taken.Frees | taken.Takes
		},
		Equal: func(one, other interface{}) bool { return one.(uint64) == other.(uint64) },
		Hash:  func(state interface{}) uint64 { return state.(uint64) * 0x9e3779b97f4a7c15 },
	}
}

// partition splits a history by the machine: the order on one does not depend on another.
func partition(history []porcupine.Operation) [][]porcupine.Operation {
	var parts [][]porcupine.Operation
	for _, operation := range history {
		machine := operation.Input.(*step).Machine
		for len(parts) <= machine {
			parts = append(parts, nil)
		}
		parts[machine] = append(parts[machine], operation)
	}
	return parts
}

func operations(steps []step) []porcupine.Operation {
	made := make([]porcupine.Operation, len(steps))
	for place := range steps {
		one := &steps[place]
		made[place] = porcupine.Operation{Input: one, Call: one.Call, Return: one.Return}
	}
	return made
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: porcupine FILE < COMMANDS")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var read document
	if err := json.Unmarshal(text, &read); err != nil {
		log.Fatal(err)
	}
	text = nil
	judge := model(read)
	asked := bufio.NewScanner(os.Stdin)
	for asked.Scan() {
		var index int
		var seconds float64
		if _, err := fmt.Sscan(asked.Text(), &index, &seconds); err != nil {
			log.Fatal(err)
		}
		history := operations(read.Histories[index])
		runtime.GC() // what earlier rounds left behind is not charged to this one
		start := time.Now()
		result := porcupine.CheckOperationsTimeout(judge, history, time.Duration(seconds*1e9))
		fmt.Println(result, time.Since(start).Nanoseconds())
	}
}
