namespace FineTuneService.Tenants;

/// <summary>A tenant's own base address: /tenants/{tenant}/v1/… is /v1/… for that tenant's keys, and 404 for another's.</summary>
internal static class TenantPaths
{
    public const string Item = "tenant";

    public static IApplicationBuilder UseTenantPaths(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        string[] parts = context.Request.Path.Value!.Split('/', 5);
        if (parts is ["", "tenants", var tenant, "v1", ..])
        {
            context.Items[Item] = tenant;
            context.Request.Path = "/v1" + (parts.Length > 4 ? "/" + parts[4] : "");
        }
        return next(context);
    });
}
