#!/bin/sh
# Prints the path of a Python 3.11, or says in one line what to install and fails.
#
# An explicit PYTHON is taken or refused, never replaced. Without it the environment's own Python comes first, so that a
# second start needs no search. Old interpreters must survive the question, so it is asked in the plainest Python.
wanted=3.11

version_of() { "$1" -c 'import sys; sys.stdout.write("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

advice="install Python $wanted (Debian 12: apt-get install python3.11 python3.11-venv; elsewhere: pyenv install $wanted), \
or name one: make PYTHON=/path/to/python$wanted"

if [ -n "$PYTHON" ]; then
  found="$(version_of "$PYTHON")"
  if [ "$found" != "$wanted" ]; then
    echo "campaign-express is tested on Python $wanted only; PYTHON=$PYTHON is ${found:-not a Python that runs}: $advice" >&2
    exit 1
  fi
  command -v "$PYTHON"
  exit 0
fi

for candidate in "$(dirname "$0")/../.venv/bin/python" python$wanted python3 python; do
  if [ "$(version_of "$candidate")" = "$wanted" ]; then
    command -v "$candidate"
    exit 0
  fi
done

found="$(version_of python3)"
echo "campaign-express is tested on Python $wanted only; found ${found:-no Python at all}: $advice" >&2
exit 1
