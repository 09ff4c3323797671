FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /source
COPY global.json appsettings.json ./
COPY src src
RUN dotnet publish src/FineTuneService -c Release -r linux-x64 --no-self-contained -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
# The image's own user, who is not root, owns the data.
RUN install -d -o $APP_UID -g $APP_UID /data
COPY --from=build /app /app
ENV ASPNETCORE_HTTP_PORTS=8080 FineTune__DataDirectory=/data
USER $APP_UID
WORKDIR /app
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["dotnet", "FineTuneService.dll"]
