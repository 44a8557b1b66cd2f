module temblor/porcupine

go 1.19

require github.com/anishathalye/porcupine v0.0.0

// A copy of it, which is not part of this project.
replace github.com/anishathalye/porcupine => ./copy
