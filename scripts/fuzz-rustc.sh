#!/usr/bin/env bash
# Compiles a crate as Cargo says (its command line is the arguments), with the coverage counters that libFuzzer reads;
# but for build scripts, which libFuzzer is no part of.
flags=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
	-Cllvm-args=-sanitizer-coverage-trace-compares)
case " $* " in
	*" --crate-name build_script_build "*) flags=() ;;
esac
exec "$@" "${flags[@]}"
