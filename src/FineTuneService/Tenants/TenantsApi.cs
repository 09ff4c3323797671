using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Operators;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Tenants;

/// <summary>The body of POST /v1/tenants.</summary>
/// <param name="Id">2 to 64 lower-case letters, digits and dashes: part of the names of the tenant's models.</param>
/// <param name="Quotas">The tenant's own limits; the options' where none are given.</param>
public sealed record CreateTenantRequest(string Id, string? Name = null, Quotas? Quotas = null);

/// <summary>The body of POST /v1/tenants/{id}: what is given changes.</summary>
/// <param name="Quotas">All of them: a limit that is not given is the options' again.</param>
public sealed record ChangeTenantRequest(string? Name = null, Quotas? Quotas = null);

/// <summary>The body of POST /v1/api_keys/{id}/rotate.</summary>
/// <param name="GraceSeconds">How long the old key still opens; 0 unless given, at most 30 days.</param>
public sealed record RotateKeyRequest(long? GraceSeconds = null);

public sealed record TenantBody(string Id, string Object, string Name, long CreatedAt, Quotas? Quotas = null);

/// <summary>The body of POST /v1/api_keys.</summary>
public sealed record CreateKeyRequest(string Tenant, string? Name = null);

/// <summary>A key; <paramref name="Key"/> is there in the answer that makes it, and never again.</summary>
public sealed record KeyBody(string Id, string Object, string Tenant, string Name, string? Key, long CreatedAt, long? RevokedAt);

/// <summary>Tenants and their keys, for the admin.</summary>
internal static class TenantsApi
{
    private const int LongestName = 256;
    private const long LongestGrace = 30 * 24 * 3600;
    private static readonly TimeSpan LongestErasure = TimeSpan.FromSeconds(30);

    public static void MapTenants(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder tenants = app.MapGroup("/v1/tenants").WithTags("Tenants").Needs(Access.Admin).TakenWhileDrained();
        tenants.MapPost("", Create).WithSummary("Make a tenant").Takes(TenantExamples.Create).Answers(TenantExamples.Tenant);
        tenants.MapGet("", List).WithSummary("List tenants").Answers(TenantExamples.Tenants);
        tenants.MapGet("/{id}", Get).WithSummary("Get a tenant").Answers(TenantExamples.Tenant);
        tenants.MapPost("/{id}", Change).WithSummary("Change a tenant's name or quotas").Takes(TenantExamples.Change).Answers(TenantExamples.Changed);
        tenants.MapDelete("/{id}", Delete).WithSummary("Erase a tenant: its keys open nothing from now on, and of its rows and files nothing is left").Answers(TenantExamples.Deleted);
        RouteGroupBuilder keys = app.MapGroup("/v1/api_keys").WithTags("API keys").Needs(Access.Admin).TakenWhileDrained();
        keys.MapPost("", CreateKey).WithSummary("Make a key for a tenant; the answer shows it this once").Takes(TenantExamples.CreateKey).Answers(TenantExamples.NewKey);
        keys.MapGet("", ListKeys).WithSummary("List keys").Answers(TenantExamples.Keys);
        keys.MapPost("/{id}/rotate", Rotate).WithSummary("Put a new key in a key's place; the answer shows it this once").Takes(TenantExamples.Rotate).Answers(TenantExamples.NewKey);
        keys.MapDelete("/{id}", Revoke).WithSummary("Revoke a key").Answers(TenantExamples.Revoked);
    }

    private static async Task<IResult> Create(CreateTenantRequest body, FineTuneDbContext db, TimeProvider clock)
    {
        if (body.Id.Length is < 2 or > 64 || body.Id[0] == '-' || body.Id.Any(c => !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-'))
            return Errors.BadRequest("id must be 2 to 64 lower-case letters, digits and dashes, and begin with a letter or digit.", param: "id");
        if (body.Name?.Length > LongestName) return Errors.BadRequest($"name must be at most {LongestName} characters.", param: "name");
        if (body.Quotas?.Check() is { } odd) return odd;
        if (await db.Tenants.AnyAsync(row => row.Id == body.Id)) return Exists(body.Id);
        var tenant = new Tenant { Id = body.Id, Name = body.Name ?? body.Id, CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(), Quotas = Text(body.Quotas) };
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

    private static async Task<IResult> Change(string id, ChangeTenantRequest body, FineTuneDbContext db)
    {
        if (body.Name?.Length > LongestName) return Errors.BadRequest($"name must be at most {LongestName} characters.", param: "name");
        if (body.Quotas?.Check() is { } odd) return odd;
        if (await db.Tenants.FirstOrDefaultAsync(row => row.Id == id) is not { } tenant) return Errors.NotFound("tenant", id);
        tenant.Name = body.Name ?? tenant.Name;
        if (body.Quotas is not null) tenant.Quotas = Text(body.Quotas);
        await db.SaveChangesAsync();
        return Results.Ok(Body(tenant));
    }

    private static async Task<IResult> Delete(string id, TenantErasure erasure)
    {
        if (await erasure.Begin(id) is not { } erased) return Errors.NotFound("tenant", id);
        try
        {
            await erased.WaitAsync(LongestErasure);
            return Results.Ok(new Deleted(id, "tenant"));
        }
        catch (TimeoutException)
        {
            return Errors.Busy($"The tenant's keys open nothing any more, and it is being erased; that takes longer than {LongestErasure.TotalSeconds:0} seconds. Ask again until it is not found.", "tenant_being_erased");
        }
    }

    /// <summary>The new key is there before the old one goes: both in one transaction.</summary>
    private static async Task<IResult> Rotate(string id, RotateKeyRequest? body, FineTuneDbContext db, TimeProvider clock)
    {
        if (body?.GraceSeconds is < 0 or > LongestGrace) return Errors.BadRequest($"grace_seconds must be 0 to {LongestGrace}.", param: "grace_seconds");
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        if (await db.ApiKeys.FirstOrDefaultAsync(row => row.Id == id) is not { } old) return Errors.NotFound("API key", id);
        if (old.RevokedAt <= now) return Errors.Conflict("The key was revoked; make a new one with POST /v1/api_keys.", "key_revoked");
        (ApiKey key, string secret) = NewKey(old.TenantId, old.Name, now);
        old.RevokedAt = now + (body?.GraceSeconds ?? 0);
        db.ApiKeys.Add(key);
        await db.SaveChangesAsync();
        return Results.Ok(Body(key) with { Key = secret });
    }

    private static (ApiKey Key, string Secret) NewKey(string tenant, string name, long now)
    {
        string secret = AdminKey.NewKey();
        return (new ApiKey { Id = Ids.New("key"), TenantId = tenant, Name = name, Hash = AccessControl.HashOf(secret), CreatedAt = now }, secret);
    }

    private static async Task<IResult> CreateKey(CreateKeyRequest body, FineTuneDbContext db, TimeProvider clock)
    {
        if (!await db.Tenants.AnyAsync(row => row.Id == body.Tenant)) return Errors.NotFound("tenant", body.Tenant);
        if (body.Name?.Length > LongestName) return Errors.BadRequest($"name must be at most {LongestName} characters.", param: "name");
        (ApiKey key, string secret) = NewKey(body.Tenant, body.Name ?? "", clock.GetUtcNow().ToUnixTimeSeconds());
        db.ApiKeys.Add(key);
        await db.SaveChangesAsync();
        return Results.Ok(Body(key) with { Key = secret });
    }

    private static Task<IResult> ListKeys([AsParameters] PageQuery query, FineTuneDbContext db) => db.ApiKeys.AsNoTracking().PageOf(db, query, "API key", Body);

    private static async Task<IResult> Revoke(string id, FineTuneDbContext db, TimeProvider clock)
    {
        if (await db.ApiKeys.FirstOrDefaultAsync(row => row.Id == id) is not { } key) return Errors.NotFound("API key", id);
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        if (key.RevokedAt is null || key.RevokedAt > now) key.RevokedAt = now;
        await db.SaveChangesAsync();
        return Results.Ok(new Deleted(id, "api_key"));
    }

    private static IResult Exists(string id) => Errors.Conflict($"The tenant '{id}' exists already; choose another id.", "tenant_exists");

    private static TenantBody Body(Tenant tenant) => new(
        tenant.Id, "tenant", tenant.Name, tenant.CreatedAt, tenant.Quotas is null ? null : JsonSerializer.Deserialize<Quotas>(tenant.Quotas, Json.Options));

    private static string? Text(Quotas? quotas) => quotas is null ? null : JsonSerializer.Serialize(quotas, Json.Options);

    private static KeyBody Body(ApiKey key) => new(key.Id, "api_key", key.TenantId, key.Name, null, key.CreatedAt, key.RevokedAt);
}
