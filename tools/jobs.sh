#!/bin/bash
# Prints how many compilers may run at once: one for each core, and each needs up to 1.5 GB.
cores=$(nproc)
memory=$(awk '/^MemAvailable:/ {print int($2 / 1500000)}' /proc/meminfo)
jobs=$((memory < cores ? memory : cores))
echo $((jobs < 1 ? 1 : jobs))
