using System.Security.Cryptography;
using System.Text;
using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Tenants;

/// <summary>The admin's key: FineTune:AdminKey, or one that is made on first start and printed once. Only its hash is kept.</summary>
internal sealed class AdminKey
{
    private readonly byte[] _hash;

    public AdminKey(IOptions<FineTuneOptions> options, DataDirectory directory)
    {
        string file = Path.Combine(directory.Root, "admin-key.sha256");
        if (options.Value.AdminKey.Length > 0)
        {
            _hash = Encoding.ASCII.GetBytes(AccessControl.HashOf(options.Value.AdminKey));
        }
        else if (File.Exists(file))
        {
            _hash = Encoding.ASCII.GetBytes(File.ReadAllText(file).Trim());
        }
        else
        {
            string key = NewKey();
            _hash = Encoding.ASCII.GetBytes(AccessControl.HashOf(key));
            File.WriteAllBytes(file, _hash);
            Console.WriteLine($"Admin key, shown this once: {key}");
        }
    }

    /// <summary>40 random letters and digits after a prefix that secret scanners can know.</summary>
    public static string NewKey() => "ftsk-" + RandomNumberGenerator.GetString("0123456789abcdefghijklmnopqrstuvwxyz", 40);

    /// <summary>In constant time.</summary>
    public bool Matches(string hash) => CryptographicOperations.FixedTimeEquals(_hash, Encoding.ASCII.GetBytes(hash));
}
