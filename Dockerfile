# Watchkeeper as an image: CPU only, not root, for a read-only root file system. x86-64 and arm64.
#
#   docker build --build-arg TORCH_INDEX=<index of PyTorch's CPU builds> --tag watchkeeper .
#   docker run --read-only --tmpfs /tmp --volume watchkeeper:/data --publish 127.0.0.1:9464:9464 \
#     --volume ./watchkeeper.yaml:/etc/watchkeeper/watchkeeper.yaml:ro --volume ./logs:/logs:ro watchkeeper
#
# A package index of your own goes in as a pip configuration that stays out of the image: --secret id=pip,src=pip.conf
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python3 -m venv /opt/watchkeeper
COPY pyproject.toml constraints.txt ./
# What it depends on, apart from the code: this layer is made again only when a dependency changes.
RUN python3 -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
      > requirements.txt
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/watchkeeper/bin/pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
      --constraint constraints.txt --requirement requirements.txt
COPY README.md LICENSE ./
COPY config config
COPY detectors detectors
COPY alerts alerts
COPY monitor monitor
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/watchkeeper/bin/pip install --constraint constraints.txt .

FROM ${BASE}
COPY --from=build /opt/watchkeeper /opt/watchkeeper
# Everything that may be written is in /data (kept) or in /tmp (not kept).
RUN install --directory --owner=10001 --group=10001 /data /etc/watchkeeper
ENV PATH=/opt/watchkeeper/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp LOGNAME=watchkeeper XDG_CACHE_HOME=/tmp/cache HF_HOME=/tmp/cache/huggingface MPLCONFIGDIR=/tmp/matplotlib \
    HF_HUB_OFFLINE=1 DO_NOT_TRACK=1 \
    WATCHKEEPER_CONFIG=/etc/watchkeeper/watchkeeper.yaml \
    WATCHKEEPER__SERVER__HOST=0.0.0.0 WATCHKEEPER__SERVER__PORT=9464 WATCHKEEPER__STORE__DIRECTORY=/data
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["python3", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['WATCHKEEPER__SERVER__PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["watchkeeper"]
CMD ["run"]
