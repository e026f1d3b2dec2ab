# The function as an image: `kpt fn eval --image`, kustomize's container functions.
# Any base with Python >= 3.11, pip and a user `nobody` will do.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
# Without a network: put the wheels into wheels/ (pip download -d wheels -r requirements/run.txt, and the same with
# requirements/build.txt) and build with --build-arg PIP_NO_INDEX=1.
ARG PIP_NO_INDEX
WORKDIR /src
COPY . .
# What goes in is what the lock files name, each package held against its hash; the build backend stays out of /app.
RUN install="install --no-cache-dir --no-compile --find-links wheels" \
 && python3 -m venv --without-pip /app \
 && python3 -m venv --without-pip /build \
 && python3 -m pip --python /app/bin/python3 $install --require-hashes -r requirements/run.txt \
 && python3 -m pip --python /build/bin/python3 $install --require-hashes -r requirements/build.txt \
 && python3 -m pip --python /build/bin/python3 wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && python3 -m pip --python /app/bin/python3 $install --no-deps dist/*.whl
# Bytecode is compiled here, once, and never checked against its source again: nobody can write it later,
# and start-up is what a function spends most of its time on.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app/lib \
 && chmod -R a+rX /app

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="virtual-env-fn" \
      org.opencontainers.image.description="KRM function: virtual-environment labels on pods become Istio routes" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /app /app
# The official images ship the standard library without bytecode: one run writes that of the modules in use.
RUN printf 'apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n' | /app/bin/virtual-env-fn >/dev/null
ENV HOME=/nonexistent \
    PATH=/app/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1
USER 65534:65534
WORKDIR /
ENTRYPOINT ["virtual-env-fn"]
