#if ServiceLifecycle
public import ServiceLifecycle

/// An engine is a service of swift-service-lifecycle: it runs in a `ServiceGroup` as it is, and ends when the group shuts down gracefully.
extension EgressEngine: Service {}
#endif
