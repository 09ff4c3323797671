using System.Security.Cryptography;
using System.Text;

namespace FineTuneService.Tests.Data;

/// <summary>What a kill between a rename and its row's commit leaves.</summary>
[Waits]
public sealed class OrphanTests
{
    [Fact]
    public async Task Start_AfterAKill_CollectsWhatNoRowNamesAndNothingElse()
    {
        using var data = new DataFolder();
        string key, kept;
        using (var first = new ServiceProcess(data))
        {
            using HttpClient admin = await first.Client(TestService.AdminKey);
            await admin.Post("/v1/tenants", new { id = "acme" });
            await admin.Post("/v1/tenants", new { id = "other" });
            key = (string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!;
            using HttpClient client = await first.Client(key);
            kept = await client.Upload("named by a row");
            await first.Kill();
        }
        string blobs = Path.Combine(data.Path, "blobs");
        string named = Directory.GetFiles(Path.Combine(blobs, "acme")).Single();
        string orphan = Leave(blobs, "acme", Sha256("no row"));
        // The same bytes under another tenant: a key is a tenant's.
        string twin = Leave(blobs, "other", Path.GetFileName(named));
        string[] folders = [LeaveFolder(data, "adapters/acme", "ad-0123"), LeaveFolder(data, "merged", "merged-0123")];
        string[] others = [LeaveFolder(data, "adapters/acme", "notes"), LeaveFolder(data, "adapters/unknown-tenant", "ad-0123"), LeaveFolder(data, "merged", "notes"), Leave(blobs, "acme", "notes.txt"), Leave(blobs, "unknown-tenant", Sha256("whose?"))];

        using var second = new ServiceProcess(data);
        using HttpClient again = await second.Client(key);
        Assert.Equal("named by a row", await again.GetStringAsync($"/v1/files/{kept}/content", TestContext.Current.CancellationToken));
        Assert.False(File.Exists(orphan) || File.Exists(twin));
        Assert.DoesNotContain(folders, Directory.Exists);
        Assert.All(others, path => Assert.True(Path.Exists(path), path));
        foreach (string what in new[] { "uploaded bytes", "adapters", "merged models" }) await second.Logged($"Removed 1 {what}");
    }

    private static string Leave(string blobs, string tenant, string name)
    {
        string path = Path.Combine(Directory.CreateDirectory(Path.Combine(blobs, tenant)).FullName, name);
        File.WriteAllText(path, "left");
        return path;
    }

    private static string LeaveFolder(DataFolder data, string under, string name)
    {
        string folder = Directory.CreateDirectory(Path.Combine(data.Path, under, name)).FullName;
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), "{}");
        return folder;
    }

    private static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
