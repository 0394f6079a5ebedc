# Two images: `web` (API, pages, dispatcher, migrations; no torch) and `worker` (torch, timm).
#   docker build --target web -t parallax-web .
#   docker build --target worker -t parallax-worker .
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATH=/opt/parallax/bin:$PATH \
    PARALLAX_MODE=server \
    PARALLAX_HOME=/var/lib/parallax \
    HF_HOME=/var/lib/parallax/hub
# The folders of the volumes exist with their owner, so that a fresh volume belongs to that account, too.
RUN groupadd --gid 10001 parallax \
    && useradd --uid 10001 --gid parallax --no-create-home --home-dir /var/lib/parallax --shell /usr/sbin/nologin parallax \
    && install -d -o parallax -g parallax /var/lib/parallax /var/lib/parallax/store /var/lib/parallax/cache /var/lib/parallax/hub
WORKDIR /var/lib/parallax

# Dependencies come before the source, so that a change of the source installs nothing anew.
FROM ${PYTHON_IMAGE} AS web-dependencies
WORKDIR /source
RUN python -m venv /opt/parallax
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN /opt/parallax/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM web-dependencies AS worker-dependencies
RUN /opt/parallax/bin/pip install --no-cache-dir --constraint constraints.txt '.[workers]'

FROM web-dependencies AS web-build
COPY . .
RUN /opt/parallax/bin/pip install --no-cache-dir --no-deps --force-reinstall . \
    && /opt/parallax/bin/python -m compileall -q /opt/parallax

FROM worker-dependencies AS worker-build
COPY . .
RUN /opt/parallax/bin/pip install --no-cache-dir --no-deps --force-reinstall . \
    && /opt/parallax/bin/python -m compileall -q /opt/parallax

# A process of Parallax that neither ended nor hangs as a zombie; docker-compose.yml asks API and pages more than that.
FROM base AS web
COPY --from=web-build /opt/parallax /opt/parallax
USER 10001:10001
EXPOSE 8000 8060
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["sh", "-c", "grep -qsE '^[0-9]+ \\(parallax\\) [RSD] ' /proc/[0-9]*/stat"]
ENTRYPOINT ["parallax"]
CMD ["api", "--host", "0.0.0.0", "--port", "8000"]

# A worker is two processes at least: the parent that listens and a child that computes.
FROM base AS worker
COPY --from=worker-build /opt/parallax /opt/parallax
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "test \"$(grep -lsE '^[0-9]+ \\(parallax\\) [RSD] ' /proc/[0-9]*/stat | wc -l)\" -ge 2"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["parallax"]
CMD ["worker"]
