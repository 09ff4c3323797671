using System.Net;
using k8s;
using k8s.Models;

namespace FineTuneService.Tests.Deploy;

/// <summary>The manifests, read as Kubernetes' own client reads them: a field that Kubernetes does not have is an error.</summary>
public sealed class KubernetesTests(TestService service) : IClassFixture<TestService>
{
    private static readonly string s_text = DeployFolder.Read("kubernetes/finetune.yaml");
    private static readonly List<object> s_objects = KubernetesYaml.LoadAllFromString(s_text, strict: true);

    [Fact]
    public void Manifests_FieldThatKubernetesDoesNotHave_IsRefused()
    {
        Assert.Contains("replicas: 1", s_text);
        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString(s_text.Replace("replicas: 1", "replica: 1"), strict: true));
        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString(s_text.Replace("replicas: 1", "replicas: one"), strict: true));
    }

    [Fact]
    public void Manifests_NamesThatReferToEachOther_Agree()
    {
        V1DeploymentSpec deployment = One<V1Deployment>().Spec;
        V1Container container = Assert.Single(deployment.Template.Spec.Containers);
        IDictionary<string, string> labels = deployment.Template.Metadata.Labels;
        foreach (IDictionary<string, string> selector in new[] { deployment.Selector.MatchLabels, One<V1Service>().Spec.Selector, One<V1NetworkPolicy>().Spec.PodSelector.MatchLabels })
            Assert.All(selector, label => Assert.Equal(label.Value, labels[label.Key]));
        Assert.Equal(container.Ports.Select(port => port.Name), One<V1Service>().Spec.Ports.Select(port => port.TargetPort.Value));
        Assert.Equal(container.VolumeMounts.Select(mount => mount.Name).Order(), deployment.Template.Spec.Volumes.Select(volume => volume.Name).Order());
        Assert.Equal(One<V1PersistentVolumeClaim>().Metadata.Name, deployment.Template.Spec.Volumes.Single(volume => volume.PersistentVolumeClaim is not null).PersistentVolumeClaim.ClaimName);
        string space = One<V1Namespace>().Metadata.Name;
        Assert.All(s_objects.OfType<IKubernetesObject<V1ObjectMeta>>().Where(made => made is not V1Namespace), made => Assert.Equal(space, made.Metadata.NamespaceProperty));
    }

    [Fact]
    public void Deployment_OneReplicaWithoutRights_IsAsTheStoreAndSecurityAsk()
    {
        V1DeploymentSpec deployment = One<V1Deployment>().Spec;
        Assert.Equal((1, "Recreate"), (deployment.Replicas, deployment.Strategy.Type)); // SQLite: one process owns the file.
        Assert.Equal((true, false), (deployment.Template.Spec.SecurityContext.RunAsNonRoot, deployment.Template.Spec.AutomountServiceAccountToken));
        V1SecurityContext rights = deployment.Template.Spec.Containers[0].SecurityContext;
        Assert.Equal((false, true, "ALL"), (rights.AllowPrivilegeEscalation, rights.ReadOnlyRootFilesystem, rights.Capabilities.Drop.Single()));
    }

    [Fact]
    public async Task Probes_OfTheContainer_AreAnsweredByTheService()
    {
        V1Container container = One<V1Deployment>().Spec.Template.Spec.Containers[0];
        foreach (V1Probe probe in new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe })
        {
            using HttpResponseMessage answer = await service.CreateClient().GetAsync(probe.HttpGet.Path, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    private static T One<T>() => Assert.Single(s_objects.OfType<T>());
}
