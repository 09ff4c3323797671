using FineTuneService.Hosting;

namespace FineTuneService.Tenants;

/// <summary>Swagger UI's examples of tenants and keys.</summary>
internal static class TenantExamples
{
    public static readonly CreateTenantRequest Create = new("acme", "Acme Ltd");
    public static readonly TenantBody Tenant = new("acme", "tenant", "Acme Ltd", 1764000000);
    public static readonly Page<TenantBody> Tenants = new([Tenant], false, "acme", "acme");
    public static readonly ChangeTenantRequest Change = new(null, new Quotas { RequestsPerMinute = 600, TokensPerMinute = 200_000 });
    public static readonly TenantBody Changed = Tenant with { Quotas = Change.Quotas };
    public static readonly Deleted Deleted = new("acme", "tenant");
    public static readonly RotateKeyRequest Rotate = new(3600);
    public static readonly CreateKeyRequest CreateKey = new("acme", "laptop");
    public static readonly KeyBody Key = new("key-4m0x2c7k9s1d5f8g3h6j2q4w", "api_key", "acme", "laptop", null, 1764000000, null);
    public static readonly KeyBody NewKey = Key with { Key = "ftsk-shown-in-this-answer-and-never-again" };
    public static readonly Page<KeyBody> Keys = new([Key], false, Key.Id, Key.Id);
    public static readonly Deleted Revoked = new(Key.Id, "api_key");
}
