#!/bin/sh
# Usage: gradient_modes.sh FLOWC PYTHON SAME_NUMBERS. Compares what `flowc gradient` gives by
# all modes, in a folder with m.safetensors, rows.csv, bowl.flow and mine.flow.
set -e
for loss in nll elbo stl iwae:draws=2 renyi:draws=4,alpha=0.3 forward_kl weight_variance contrastive:n_contrastive=2 mine.flow; do
  case $loss in
    nll) options="--columns z0,z1" ;;
    mine.flow) options="" ;;
    *) options="--columns z0,z1 --target bowl.flow" ;;
  esac
  for mode in reverse forward differences; do
    "$1" gradient m.safetensors rows.csv --loss $loss $options --mode $mode -o $mode.csv > $mode.txt
  done
  for mode in forward differences; do
    echo "$loss, $mode"
    "$2" "$3" reverse.csv $mode.csv
    "$2" "$3" reverse.txt $mode.txt
  done
done
