namespace FineTuneService.Hosting;

/// <summary>HEAD on everything that takes GET, as proxies and probes send it: the endpoint is found as GET's, and the server leaves out the body.</summary>
internal static class HeadRequests
{
    /// <summary>Before routing.</summary>
    public static IApplicationBuilder UseHeadAsGet(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (HttpMethods.IsHead(context.Request.Method))
        {
            context.Items[typeof(HeadRequests)] = true;
            context.Request.Method = HttpMethods.Get;
            // A stream has no end that a HEAD could wait for.
            context.Request.Headers.Accept = "*/*";
        }
        return next(context);
    });

    /// <summary>After routing: a download then says its length without being read.</summary>
    public static IApplicationBuilder UseHeadAgain(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Items.ContainsKey(typeof(HeadRequests))) context.Request.Method = HttpMethods.Head;
        return next(context);
    });
}
