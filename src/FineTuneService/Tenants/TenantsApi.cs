using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Tenants;

/// <summary>The body of POST /v1/tenants.</summary>
/// <param name="Id">2 to 64 lower-case letters, digits and dashes: part of the names of the tenant's models.</param>
public sealed record CreateTenantRequest(string Id, string? Name = null);

public sealed record TenantBody(string Id, string Object, string Name, long CreatedAt);

/// <summary>The body of POST /v1/api_keys.</summary>
public sealed record CreateKeyRequest(string Tenant, string? Name = null);

/// <summary>A key; <paramref name="Key"/> is there in the answer that makes it, and never again.</summary>
public sealed record KeyBody(string Id, string Object, string Tenant, string Name, string? Key, long CreatedAt, long? RevokedAt);

/// <summary>Tenants and their keys, for the admin.</summary>
internal static class TenantsApi
{
    private const int LongestName = 256;

    public static void MapTenants(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder tenants = app.MapGroup("/v1/tenants").WithTags("Tenants").Needs(Access.Admin);
        tenants.MapPost("", Create).WithSummary("Make a tenant").Takes(TenantExamples.Create).Answers(TenantExamples.Tenant);
        tenants.MapGet("", List).WithSummary("List tenants").Answers(TenantExamples.Tenants);
        tenants.MapGet("/{id}", Get).WithSummary("Get a tenant").Answers(TenantExamples.Tenant);
        RouteGroupBuilder keys = app.MapGroup("/v1/api_keys").WithTags("API keys").Needs(Access.Admin);
        keys.MapPost("", CreateKey).WithSummary("Make a key for a tenant; the answer shows it this once").Takes(TenantExamples.CreateKey).Answers(TenantExamples.NewKey);
        keys.MapGet("", ListKeys).WithSummary("List keys").Answers(TenantExamples.Keys);
        keys.MapDelete("/{id}", Revoke).WithSummary("Revoke a key").Answers(TenantExamples.Revoked);
    }

    private static async Task<IResult> Create(CreateTenantRequest body, FineTuneDbContext db, TimeProvider clock)
    {
        if (body.Id.Length is < 2 or > 64 || body.Id[0] == '-' || body.Id.Any(c => !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-'))
            return Errors.BadRequest("id must be 2 to 64 lower-case letters, digits and dashes, and begin with a letter or digit.", param: "id");
        if (body.Name?.Length > LongestName) return Errors.BadRequest($"name must be at most {LongestName} characters.", param: "name");
        if (await db.Tenants.AnyAsync(row => row.Id == body.Id)) return Exists(body.Id);
        var tenant = new Tenant { Id = body.Id, Name = body.Name ?? body.Id, CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds() };
        db.Tenants.Add(tenant);
        try
        {
            await db.SaveChangesAsync();
        }
        catch (DbUpdateException twice) when (StorageFaults.IsAlreadyThere(twice))
        {
            return Exists(body.Id);
        }
        return Results.Ok(Body(tenant));
    }

    private static Task<IResult> List([AsParameters] PageQuery query, FineTuneDbContext db) => db.Tenants.AsNoTracking().PageOf(db, query, "tenant", Body);

    private static async Task<IResult> Get(string id, FineTuneDbContext db) =>
        await db.Tenants.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is { } tenant ? Results.Ok(Body(tenant)) : Errors.NotFound("tenant", id);

    private static async Task<IResult> CreateKey(CreateKeyRequest body, FineTuneDbContext db, TimeProvider clock)
    {
        if (!await db.Tenants.AnyAsync(row => row.Id == body.Tenant)) return Errors.NotFound("tenant", body.Tenant);
        if (body.Name?.Length > LongestName) return Errors.BadRequest($"name must be at most {LongestName} characters.", param: "name");
        string secret = AdminKey.NewKey();
        var key = new ApiKey
        {
            Id = Ids.New("key"),
            TenantId = body.Tenant,
            Name = body.Name ?? "",
            Hash = AccessControl.HashOf(secret),
            CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
        };
        db.ApiKeys.Add(key);
        await db.SaveChangesAsync();
        return Results.Ok(Body(key) with { Key = secret });
    }

    private static Task<IResult> ListKeys([AsParameters] PageQuery query, FineTuneDbContext db) => db.ApiKeys.AsNoTracking().PageOf(db, query, "API key", Body);

    private static async Task<IResult> Revoke(string id, FineTuneDbContext db, TimeProvider clock)
    {
        if (await db.ApiKeys.FirstOrDefaultAsync(row => row.Id == id) is not { } key) return Errors.NotFound("API key", id);
        key.RevokedAt ??= clock.GetUtcNow().ToUnixTimeSeconds();
        await db.SaveChangesAsync();
        return Results.Ok(new Deleted(id, "api_key"));
    }

    private static IResult Exists(string id) => Errors.Conflict($"The tenant '{id}' exists already; choose another id.", "tenant_exists");

    private static TenantBody Body(Tenant tenant) => new(tenant.Id, "tenant", tenant.Name, tenant.CreatedAt);

    private static KeyBody Body(ApiKey key) => new(key.Id, "api_key", key.TenantId, key.Name, null, key.CreatedAt, key.RevokedAt);
}
