# The service on Debian's own libtorch. Microsoft's .NET 10 images are Ubuntu's; their .NET runs on Debian as it is, so it is copied in.
FROM debian:bookworm-slim AS build
COPY --from=mcr.microsoft.com/dotnet/sdk:10.0 /usr/share/dotnet /usr/share/dotnet
ENV PATH=/usr/share/dotnet:$PATH DOTNET_ROOT=/usr/share/dotnet DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /source
COPY dev global.json appsettings.json ./
COPY src src
RUN ./dev setup && dotnet publish src/FineTuneService -c Release -o /app

FROM debian:bookworm-slim
# libtorch1.13: the library of bookworm's libtorch-dev, without its headers.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      ca-certificates libicu72 libtorch1.13 libopenblas0-openmp \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 1654 finetune \
 && install -d -o finetune -g finetune /data
COPY --from=mcr.microsoft.com/dotnet/aspnet:10.0 /usr/share/dotnet /usr/share/dotnet
COPY --from=build /app /app
ENV PATH=/usr/share/dotnet:$PATH DOTNET_ROOT=/usr/share/dotnet \
    ASPNETCORE_HTTP_PORTS=8080 FineTune__DataDirectory=/data
USER finetune
WORKDIR /app
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["dotnet", "FineTuneService.dll"]
