# The function as an image: `kpt fn eval --image`, kustomize's container functions.
# Any base with Python >= 3.11, pip and a user `nobody` will do. The digest is the one that this tag had in September 2026.
ARG BASE_IMAGE=docker.io/library/python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

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

# The base without what installs packages: nothing in the image can fetch or build code.
FROM ${BASE_IMAGE} AS base
RUN if command -v dpkg >/dev/null; then dpkg --purge --force-all python3-pip python3-setuptools python3-wheel \
      python3-pip-whl python3-setuptools-whl >/dev/null 2>&1; fi; \
    for place in $(python3 -c 'import site, sysconfig; print(sysconfig.get_path("stdlib"), *site.getsitepackages())'); do \
      rm -rf "$place"/pip "$place"/pip-* "$place"/setuptools "$place"/setuptools-* "$place"/wheel "$place"/wheel-* \
        "$place"/pkg_resources "$place"/_distutils_hack "$place"/distutils-precedence.pth "$place"/ensurepip; \
    done; \
    rm -f /usr/local/bin/pip* /usr/bin/pip* /usr/local/bin/wheel /usr/bin/wheel
COPY --from=build /app /app
# The official images ship the standard library without bytecode: one run writes that of the modules in use.
RUN printf 'apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n' | /app/bin/virtual-env-fn >/dev/null

# One layer: what was taken away is not in it.
FROM scratch
COPY --from=base / /
ARG VERSION=
ARG REVISION=
ARG SOURCE=
LABEL org.opencontainers.image.title="virtual-env-fn" \
      org.opencontainers.image.description="KRM function: virtual-environment labels on pods become Istio routes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
ENV HOME=/nonexistent \
    PATH=/app/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1
USER 65534:65534
WORKDIR /
ENTRYPOINT ["virtual-env-fn"]
