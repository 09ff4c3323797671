using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Tenants;

/// <summary>Whose key an endpoint asks for.</summary>
internal enum Access
{
    Tenant,
    Admin,

    /// <summary>The admin's, or any tenant's.</summary>
    AnyKey,
}

/// <summary>Checks the request's key before anything else of it is read.</summary>
internal static class AccessControl
{
    public static TBuilder Needs<TBuilder>(this TBuilder endpoints, Access access)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new AccessMark(access));

    /// <summary>Hex of SHA-256: what is stored of a key.</summary>
    public static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    public static IApplicationBuilder UseAccessControl(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<AccessMark>() is not { } mark)
        {
            await next(context);
            return;
        }
        if (await Check(context, mark.Access) is { } refusal)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await refusal.ExecuteAsync(context);
            return;
        }
        if (context.RequestServices.GetRequiredService<CurrentTenant>() is not { Id: { Length: > 0 } tenant })
        {
            await next(context);
            return;
        }
        using IDisposable? underWay = context.RequestServices.GetRequiredService<TenantRequests>().Enter(tenant, context);
        if (underWay is not null) await next(context);
        else await Refused.ExecuteAsync(context);
    });

    private static IResult Refused => Errors.Unauthorized("This API key is wrong, or was revoked. Ask the operator for a new one.");

    private static async Task<IResult?> Check(HttpContext context, Access access)
    {
        string header = context.Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
            return Errors.Unauthorized("No API key was given. Send it as 'Authorization: Bearer KEY'.");
        string hash = HashOf(header["Bearer ".Length..].Trim());
        var tenant = context.RequestServices.GetRequiredService<CurrentTenant>();
        var path = context.Items[TenantPaths.Item] as string;
        if (context.RequestServices.GetRequiredService<AdminKey>().Matches(hash))
        {
            if (access == Access.Tenant) return Errors.Make(403, "The admin key is no tenant's. Make a key with POST /v1/api_keys and use that.", "tenant_key_required");
            if (path is not null) return Errors.NotFound("tenant", path);
            return null;
        }
        var db = context.RequestServices.GetRequiredService<FineTuneDbContext>();
        long now = context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow().ToUnixTimeSeconds();
        var found = await db.ApiKeys.AsNoTracking().Where(row => row.Hash == hash && (row.RevokedAt == null || row.RevokedAt > now))
            .Join(db.Tenants, row => row.TenantId, owner => owner.Id, (row, owner) => new { row.Id, row.TenantId, owner.Quotas }).FirstOrDefaultAsync();
        if (found is not { } key) return Refused;
        if (path is not null && path != key.TenantId) return Errors.NotFound("tenant", path);
        if (access == Access.Admin) return Errors.Make(403, "This call needs the admin key.", "admin_key_required");
        tenant.Become(key.TenantId, key.Id);
        Quotas? quotas = key.Quotas is null ? null : JsonSerializer.Deserialize<Quotas>(key.Quotas, Json.Options);
        RateState state = context.RequestServices.GetRequiredService<RateLimits>().Take(key.TenantId, quotas);
        state.Write(context.Response.Headers);
        if (state.Wait == TimeSpan.Zero) return null;
        context.Response.Headers.RetryAfter = ((int)Math.Ceiling(state.Wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return Errors.Make(429, $"Rate limit reached: {state.LimitRequests} requests and {state.LimitTokens} tokens a minute. Try again in {Math.Ceiling(state.Wait.TotalSeconds)}s.", "rate_limit_exceeded");
    }

    private sealed record AccessMark(Access Access);
}
