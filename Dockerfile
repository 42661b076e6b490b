# Footfall in a container: `docker build -t footfall .`, then see docs/containers.md.

FROM python:3.13-slim AS build
WORKDIR /opt/footfall
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
ARG REQUIREMENTS=requirements.lock
COPY requirements.lock requirements-clickhouse.lock ./
RUN python -m venv .venv
RUN .venv/bin/pip install --require-hashes --requirement $REQUIREMENTS
COPY . .
RUN .venv/bin/python tools/link.py
RUN .venv/bin/python -m compileall -q src
RUN .venv/bin/python -c "from footfall.dashboard.rendering import warm; warm()" && chmod a+r src/footfall/dashboard/__pycache__/*.template

FROM python:3.13-slim
WORKDIR /opt/footfall
COPY --from=build /opt/footfall /opt/footfall
RUN useradd --system --uid 10001 --home-dir /var/lib/footfall footfall
RUN install --directory --owner=footfall --mode=0700 /var/lib/footfall /var/lib/footfall/data /var/lib/footfall/key
ENV PATH=/opt/footfall/.venv/bin:$PATH FOOTFALL_HOST=0.0.0.0 FOOTFALL_DATA=/var/lib/footfall/data FOOTFALL_KEY_FILE=/var/lib/footfall/key/secret.key
USER footfall
VOLUME /var/lib/footfall
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD python -c "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('FOOTFALL_PORT', '8000') + '/healthz', timeout=4)"
CMD ["footfall", "serve"]
