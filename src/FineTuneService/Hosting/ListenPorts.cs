namespace FineTuneService.Hosting;

/// <summary>ASPNETCORE_HTTP_PORTS and HTTPS_PORTS: ports between semicolons. Kestrel takes what is no number for a part of a host's name, and listens on port 80.</summary>
internal static class ListenPorts
{
    /// <exception cref="StartException">One of them is not a port, and no address goes before it.</exception>
    public static void Require(IConfiguration configuration)
    {
        if (!string.IsNullOrEmpty(configuration[WebHostDefaults.ServerUrlsKey])) return;
        foreach (string key in new[] { WebHostDefaults.HttpPortsKey, WebHostDefaults.HttpsPortsKey })
        {
            foreach (string port in configuration[key]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
            {
                if (!ushort.TryParse(port, System.Globalization.NumberStyles.None, null, out _))
                    throw new StartException($"ASPNETCORE_{key.ToUpperInvariant()} has '{Errors.Clip(port)}', which is not a port: 0 to 65535.");
            }
        }
    }
}
